const http = await import('node:http');
const { createServer } = await import('node:net');

http.createServer().listen(3000, 200);
createServer().listen(3001, 201);
