const http = require('http');

http.createServer().listen(3000, true);
http.createServer().listen({ port: 3001, backlog: true });
