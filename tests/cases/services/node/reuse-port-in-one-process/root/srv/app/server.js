const http = require('http');

http.createServer().listen({ port: 3000, backlog: 400, reusePort: true });
