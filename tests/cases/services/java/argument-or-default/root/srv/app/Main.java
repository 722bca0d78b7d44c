import java.net.ServerSocket;
import java.net.Socket;

public class Main {
    public static void main(String[] args) throws Exception {
        int port = 8080;
        if (args.length > 0) {
            port = Integer.parseInt(args[0]);
        }
        int backlog = args.length > 1 ? Integer.parseInt(args[1]) : 64;
        try (ServerSocket server = new ServerSocket(port, backlog)) {
            while (true) {
                Socket client = server.accept();
                client.close();
            }
        }
    }
}
