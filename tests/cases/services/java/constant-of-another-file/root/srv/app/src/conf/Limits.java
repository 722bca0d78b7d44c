package conf;

public interface Limits {
    int BACKLOG = Integer.parseInt("88");
}
