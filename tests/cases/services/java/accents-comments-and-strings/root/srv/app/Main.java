import java.net.ServerSocket;

/** Höchstens <code>new ServerSocket(1, 2)</code>. */
public class Main {
    public static void main(String[] args) throws Exception {
        // new ServerSocket(8081, 5);
        String text = "new ServerSocket(8082, 6) ü";
        ServerSocket sérveur = new ServerSocket(/* port */ 8080, /* backlog */ 89);
        Thread.currentThread().join();
    }
}
