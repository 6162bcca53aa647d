"""The customer's services, one module each. They know one another only by URL."""
