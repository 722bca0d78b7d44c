listen '127.0.0.1:8098', backlog: 98
