import express from "express";

const PORT = Number(process.env.PORT ?? 3000);
const app = express();

app.get("/mcp", (_req, res) => {
  res.status(405).end();
});

app.listen(PORT, () => {
  console.log(`listening on ${PORT}`);
});
