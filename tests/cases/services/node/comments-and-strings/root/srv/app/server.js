const http = require('http');

// http.createServer().listen(9000, 900);
/* http.createServer().listen(9001, 901); */
const help = "run http.createServer().listen(9002, 902)";
const more = `http.createServer().listen(9003, 903)`;
const pattern = /http.createServer().listen(9004, 904)/;
http.createServer(() => [help, more, pattern]).listen(3000, 200);
