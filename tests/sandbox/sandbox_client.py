"""A plain client, so that the sandbox is tested without the tap."""

import msal
import requests


class Client:
    """Signs in by MSAL and asks; believes whatever it is told."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(sandbox.ca_bundle)
        self.token = ""

    def close(self):
        self.session.close()

    # what MSAL wants of an HTTP client

    def get(self, url, **options):
        return self.session.get(url, timeout=10, **options)

    def post(self, url, **options):
        return self.session.post(url, timeout=10, **options)

    def sign_in(self, credential=None):
        """What MSAL makes of it: a dict with a token or an error."""
        config = self.sandbox.config
        application = msal.ConfidentialClientApplication(
            config["client_id"],
            authority=f"{config['authority_host']}/{config['tenant_id']}",
            client_credential=credential or config["client_secret"],
            instance_discovery=False,
            http_client=self,
        )
        result = application.acquire_token_for_client([f"{config['resource_manager_url']}/.default"])
        self.token = result.get("access_token", "")
        return result

    def send(self, query, *, timeout=10, **body):
        """The answer as it is."""
        return self.session.post(
            f"{self.sandbox.url}/providers/Microsoft.ResourceGraph/resources",
            params={"api-version": "2021-03-01"},
            json={"query": query, **body},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=timeout,
        )

    def rows(self, query, top=1000, **body):
        """All rows, page by page."""
        options, found = {"$top": top}, []
        while True:
            answer = self.send(query, options=options, **body).json()
            found += answer["data"]
            if "$skipToken" not in answer:
                return found
            options = {"$top": top, "$skipToken": answer["$skipToken"]}
