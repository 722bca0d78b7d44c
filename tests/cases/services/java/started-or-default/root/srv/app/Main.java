import java.net.InetAddress;
import java.net.ServerSocket;

public class Main {
    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8000"));
        int backlog = Integer.parseInt(System.getenv().getOrDefault("BACKLOG", "20"));
        ServerSocket socket = new ServerSocket(port, backlog, InetAddress.getByName("127.0.0.1"));
        socket.accept();
    }
}
