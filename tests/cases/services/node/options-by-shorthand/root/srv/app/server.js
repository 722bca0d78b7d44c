const http = require('http');

const port = 3000;
const backlog = 305;
http.createServer().listen({ port, backlog });
