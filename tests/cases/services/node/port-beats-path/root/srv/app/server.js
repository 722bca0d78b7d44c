const http = require('http');

http.createServer().listen({ path: '/run/app.sock', port: 3000 });
