const http = require('http');
http.createServer().listen(process.env.PORT || 3000, '127.0.0.1');
