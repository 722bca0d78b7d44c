backlog = -5
