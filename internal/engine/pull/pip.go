package pull

import (
	"path/filepath"
	"strings"
)

// pipIndex returns the package index that pip uses: of $PIP_INDEX_URL, else of pip's
// configuration files as pip orders them, else PyPI.
func pipIndex(getenv func(string) string, read func(string) ([]byte, error)) string {
	if index := getenv("PIP_INDEX_URL"); index != "" {
		return index
	}
	var files []string
	home := getenv("HOME")
	if f := getenv("PIP_CONFIG_FILE"); f != "" {
		files = append(files, f)
	}
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		files = append(files, filepath.Join(dir, "pip", "pip.conf"))
	} else if home != "" {
		files = append(files, filepath.Join(home, ".config", "pip", "pip.conf"),
			filepath.Join(home, "Library", "Application Support", "pip", "pip.conf"))
	}
	if home != "" {
		files = append(files, filepath.Join(home, ".pip", "pip.conf"))
	}
	files = append(files, "/etc/pip.conf", "/etc/xdg/pip/pip.conf")
	for _, f := range files {
		text, err := read(f)
		if err != nil {
			continue
		}
		if index := indexURL(string(text)); index != "" {
			return index
		}
	}
	return "https://pypi.org/simple"
}

// indexURL finds index-url in the sections of a pip.conf that concern downloads.
func indexURL(text string) string {
	section, found := "", map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = line[1 : len(line)-1]
			continue
		}
		i := strings.IndexAny(line, "=:")
		if i < 0 || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		if key := strings.TrimSpace(line[:i]); key == "index-url" || key == "index_url" {
			found[section] = strings.TrimSpace(line[i+1:])
		}
	}
	for _, s := range []string{"download", "install", "global"} {
		if found[s] != "" {
			return found[s]
		}
	}
	return ""
}
