const http = require('http');

http.createServer().listen(3000, '', 309);
http.createServer().listen({ port: 3001, host: '' });
