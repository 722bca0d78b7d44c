const http = require('http');

let port = process.env.PORT;
port = port || 3000;
let backlog = null;
backlog ??= 200;

http.createServer().listen(port, backlog);
