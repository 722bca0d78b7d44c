const http = require('http');

http.createServer().listen(3000, 299.9);
http.createServer().listen(3001, 0.5);
