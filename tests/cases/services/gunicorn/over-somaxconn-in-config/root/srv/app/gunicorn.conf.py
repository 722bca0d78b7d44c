backlog = 3000
