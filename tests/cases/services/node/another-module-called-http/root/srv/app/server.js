const http = require('./http');

http.createServer().listen(9000, 900);
