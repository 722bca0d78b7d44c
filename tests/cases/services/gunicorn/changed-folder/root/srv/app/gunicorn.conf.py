backlog = 9
