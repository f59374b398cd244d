"""A Singer tap for the virtual machines of Microsoft Defender for Cloud."""
