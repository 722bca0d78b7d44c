listen '*:8085', backlog: 4096
