import multiprocessing

bind = "0.0.0.0:8080"
backlog = 10 * 100
workers = multiprocessing.cpu_count() * 2 + 1
