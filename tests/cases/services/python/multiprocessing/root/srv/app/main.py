from multiprocessing.connection import Listener

one = Listener(("localhost", 6000), authkey=b"x")
two = Listener("/run/pipe.sock", backlog=3)
two.accept()
