# make run   build and start a demo: prints a seller link, a buyer link and the console's address
# make test  install what the tests need (Debian packages, Go tools) and run everything
GO     ?= go
TOOLS  := $(CURDIR)/.tools/bin
NEEDS  := chromium firefox-esr ffmpeg mkvtoolnix
FUZZ   ?= 20s

VERSITYGW := $(TOOLS)/versitygw-1.8.0
GOLANGCI  := $(TOOLS)/golangci-lint-2.15.0

.PHONY: run build test tools packages check lint bench fuzz types

run: build
	./bin/showroom demo

build:
	$(GO) build -trimpath -o bin/showroom ./cmd/showroom

# The whole program comes last and alone: its browsers and its media need the cores.
test: packages tools check lint
	$(GO) test -race -shuffle=on -timeout 20m $$($(GO) list ./... | grep -v '/cmd/showroom$$')
	$(GO) test -race -shuffle=on -timeout 20m ./cmd/showroom

# What has a command of another name than its package is looked for by that command.
packages:
	@for p in $(NEEDS); do c=$$p; [ $$p = mkvtoolnix ] && c=mkvmerge; \
	  command -v $$c >/dev/null || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

tools: $(VERSITYGW) $(GOLANGCI)

$(VERSITYGW):
	GOBIN=$(TOOLS) $(GO) install github.com/versity/versitygw/cmd/versitygw@v1.8.0
	@mv $(TOOLS)/versitygw $@ && ln -sf $(@F) $(TOOLS)/versitygw

$(GOLANGCI):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@mv $(TOOLS)/golangci-lint $@ && ln -sf $(@F) $(TOOLS)/golangci-lint

check:
	$(GO) vet ./...
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "run gofmt -w on: $$unformatted"; exit 1; }

lint: $(GOLANGCI)
	$(GOLANGCI) run ./...

# Types of the SDK, of its JSDoc; needs Node.js.
types:
	cd static/sdk && npx --yes -p typescript@7.0.2 tsc --allowJs --checkJs --strict false --declaration --emitDeclarationOnly --outDir types \
	  --target es2022 --module nodenext --moduleResolution nodenext --lib es2022,dom,dom.iterable showroom.js showroom-call.js

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Every fuzz target for FUZZ each.
fuzz:
	@set -e; for dir in $$($(GO) list -f '{{.Dir}}' ./...); do \
	  for target in $$(grep -hoE '^func (Fuzz[A-Za-z0-9_]+)' $$dir/*_test.go 2>/dev/null | cut -d' ' -f2); do \
	    echo "$$dir $$target"; (cd $$dir && $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) -fuzzminimizetime 5x .); done; done
