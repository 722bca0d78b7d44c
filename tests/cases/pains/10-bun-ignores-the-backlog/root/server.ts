import http from "node:http";

const server = http.createServer((_request, response) => response.end("ok"));

server.listen(8080, "127.0.0.1", 1024, () => {
  console.log("opened server on", server.address());
});
