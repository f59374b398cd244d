// The quickstart of @azure/arm-resourcegraph: nothing in it is about the sandbox.
import { ResourceGraphClient } from "@azure/arm-resourcegraph";
import { DefaultAzureCredential } from "@azure/identity";

const client = new ResourceGraphClient(new DefaultAzureCredential());
const found = [];
let skipToken;
do {
  const answer = await client.resources({
    query: "Resources | where type =~ 'microsoft.compute/virtualmachines' | project id | order by id asc",
    options: { top: 20, skipToken, resultFormat: "objectArray" },
  });
  found.push(...answer.data.map((row) => row.id));
  skipToken = answer.skipToken;
} while (skipToken);
console.log(JSON.stringify(found));
