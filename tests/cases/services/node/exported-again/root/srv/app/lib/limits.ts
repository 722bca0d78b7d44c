export const BACKLOG: number = 201;
