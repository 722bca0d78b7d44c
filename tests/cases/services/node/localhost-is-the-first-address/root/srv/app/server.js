const http = require('http');

http.createServer().listen(3000, 'localhost');
http.createServer().listen(3001, 'internal', 200);
