const http = require('http');

http.createServer().listen({ port: 3000, backlog: 302 }, 900);
