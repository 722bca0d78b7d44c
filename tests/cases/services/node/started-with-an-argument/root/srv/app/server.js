const http = require('http');
http.createServer().listen(process.argv[2] || 3000, '127.0.0.1');
