"""The service: takes what it cannot read, keeps it for its time, hands it to the desk."""
