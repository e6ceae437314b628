package load

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portOf gives the TCP port of a URL, and whether its host is this machine.
func portOf(address string) (port uint16, local bool, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return 0, false, fmt.Errorf("URL %q: %w", address, err)
	}
	text := u.Port()
	if text == "" {
		text = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, false, fmt.Errorf("URL %q: port: %w", address, err)
	}
	ip := net.ParseIP(u.Hostname())
	return uint16(n), u.Hostname() == "localhost" || ip != nil && ip.IsLoopback(), nil
}

// findListener gives the process of this machine that listens on a TCP port. Only processes that this user may look into
// are found.
func findListener(root string, port uint16) (int, error) {
	inodes := map[string]bool{}
	for _, name := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(filepath.Join(root, "net", name))
		if err != nil {
			continue // no IPv6, or no /proc: nothing is found then
		}
		for _, inode := range listening(string(text), port) {
			inodes["socket:["+inode+"]"] = true
		}
	}
	links, err := filepath.Glob(filepath.Join(root, "[0-9]*", "fd", "*"))
	if err != nil {
		return 0, fmt.Errorf("look through processes: %w", err)
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || !inodes[target] {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(link)))); err == nil {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("no process of this user listens on TCP port %d; give the server's process id with --pid", port)
}

// listening gives the inodes of sockets that listen on port, out of /proc/net/tcp (proc_net_tcp(5)): a line for each
// socket, with its address as hex:port, the remote one, the state (0A is LISTEN), …, and the inode as the tenth field.
func listening(table string, port uint16) []string {
	const localField, stateField, inodeField = 1, 3, 9
	suffix := fmt.Sprintf(":%04X", port)
	var inodes []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) > inodeField && strings.HasSuffix(fields[localField], suffix) && fields[stateField] == "0A" {
			inodes = append(inodes, fields[inodeField])
		}
	}
	return inodes
}
