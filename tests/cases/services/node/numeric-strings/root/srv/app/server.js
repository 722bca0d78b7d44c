const http = require('http');

http.createServer().listen('3000', '127.0.0.1', '311');
