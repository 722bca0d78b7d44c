backlog = 10.5
