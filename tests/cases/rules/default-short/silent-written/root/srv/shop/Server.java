import java.net.ServerSocket;

public class Server {
    public static void main(String[] args) throws Exception {
        ServerSocket server = new ServerSocket(8080, 50);
        while (true) {
            new Thread(new Session(server.accept())).start();
        }
    }
}
