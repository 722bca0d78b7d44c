const http = require('http');
http.createServer().listen(process.env.LISTEN || 3000);
