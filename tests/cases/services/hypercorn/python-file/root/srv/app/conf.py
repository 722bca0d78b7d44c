bind = "0.0.0.0:8080"
backlog = 500 + 61
