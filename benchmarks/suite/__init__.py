"""Measures of AMI clients, side by side: the events, the server, the floors, the subjects, the measures, the report."""
