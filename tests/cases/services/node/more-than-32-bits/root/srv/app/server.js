const http = require('http');

http.createServer().listen(3000, 4294967297);
http.createServer().listen(3001, 2147483648);
