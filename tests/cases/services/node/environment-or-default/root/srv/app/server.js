const http = require('http');

const { ADMIN_PORT = 3004 } = process.env;
http.createServer().listen(process.env.PORT || 3000, 200);
http.createServer().listen(process.env.HTTP_PORT ?? '3001', 201);
http.createServer().listen(Number(process.env.API_PORT || 3002), 202);
http.createServer().listen(parseInt(process.env['METRICS_PORT'], 10) || 3003, 203);
http.createServer().listen(ADMIN_PORT, 204);
http.createServer().listen(+(process.env.X_PORT ? process.env.X_PORT : 3005), 205);
