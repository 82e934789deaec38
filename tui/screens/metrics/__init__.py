"""The Metrics screen: pages of charts under one span of time and one cursor."""
