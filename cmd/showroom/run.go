package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"showroom/cmd/showroom/load"
)

// cli is the commands.
type cli struct {
	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Demo    demoCommand    `cmd:"" help:"Run the server with a demo conference and print its links."`
	Key     keyCommand     `cmd:"" help:"Make an API key and print it; the server must not be running."`
	Load    loadCommand    `cmd:"" help:"Measure a running server with real WebRTC peers."`
	Bench   benchCommand   `cmd:"" help:"Fill a store of its own with conferences and measure the HTTP API on it."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// process is what a command may use of the process.
type process struct {
	soon, now context.Context // end at the first and second signal
	out, err  io.Writer
}

// run is the program: it returns the exit code.
func run(soon, now context.Context, args []string, out, errOut io.Writer) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c, kong.Name("showroom"), kong.Writers(out, errOut),
		kong.Description("Video calls for sales: an SFU that records, meters and keeps a log. Every setting is a flag, SHOWROOM_ and its name in the environment, or a line of the --config file."),
		kong.PostBuild(environment), kong.Configuration(readFile), kong.Exit(func(code int) { exit = code; panic(exiting{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(errOut, "showroom:", err)
		return 1
	}
	command, err := parse(parser, args)
	if exit >= 0 { // -help
		return exit
	}
	if err != nil {
		fmt.Fprintln(errOut, "showroom:", err)
		return 2
	}
	if err := command.Run(&process{soon, now, out, errOut}); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(errOut, "showroom:", err)
		return 1
	}
	return 0
}

// exiting unwinds from kong, which wants to exit the process after -help.
type exiting struct{}

func parse(parser *kong.Kong, args []string) (ctx *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(exiting); !ok {
				panic(r)
			}
		}
	}()
	return parser.Parse(longHelp(args))
}

// environment names each flag's variable: SHOWROOM_ and the flag's name. Kong's own names are not those (SHOWROOM_S_3_BUCKET).
func environment(k *kong.Kong) error {
	for _, command := range k.Model.Leaves(false) {
		for _, flag := range command.Flags {
			flag.Envs = []string{envName(flag.Name)}
			flag.Tag.Envs = flag.Envs
		}
	}
	return nil
}

func envName(flag string) string {
	return "SHOWROOM_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// longHelp takes -help for --help, as Go programs do, and nothing at all, too.
func longHelp(args []string) []string {
	if len(args) == 0 {
		return []string{"--help"}
	}
	var out []string
	for _, a := range args {
		if a == "-help" {
			a = "--help"
		}
		out = append(out, a)
	}
	return out
}

func (c *Config) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

type loadCommand struct {
	load.Options `embed:""`
}

func (l *loadCommand) Run(p *process) error {
	_, err := load.Run(p.soon, l.Options, p.out)
	return err
}

type versionCommand struct{}

func (versionCommand) Run(p *process) error {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				version += " " + s.Value
			}
		}
	}
	fmt.Fprintln(p.out, "showroom", version)
	return nil
}
