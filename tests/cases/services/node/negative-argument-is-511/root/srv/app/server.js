const http = require('http');

http.createServer().listen(3000, -1);
http.createServer().listen(3001, '127.0.0.1', -300);
