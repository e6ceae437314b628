package rest

import (
	"archive/zip"
	"html/template"
	"time"

	"showroom/call"
)

// exportPage is what index.html of an export shows: the same as the JSON files, for people.
type exportPage struct {
	words    map[string]string
	Buyer    call.Buyer
	At       time.Time
	Cases    []call.Case
	Accesses []exportAccess
}

// T is a text in the buyer's language.
func (p exportPage) T(key string) string { return p.words[key] }

// Language is the language of the page.
func (p exportPage) Language() string { return p.words["language"] }

// Time is a time as people read it.
func (exportPage) Time(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// exportWords are the texts by key: pt-BR, en, es.
var exportWords = map[string][3]string{
	"language":   {"pt-BR", "en", "es"},
	"title":      {"Seus dados", "Your data", "Tus datos"},
	"made":       {"Feito em", "Made on", "Hecho el"},
	"person":     {"Quem você é para nós", "Who you are to us", "Quién eres para nosotros"},
	"name":       {"Nome", "Name", "Nombre"},
	"email":      {"E-mail", "E-mail", "Correo electrónico"},
	"phone":      {"Telefone", "Phone", "Teléfono"},
	"reference":  {"Referência", "Reference", "Referencia"},
	"since":      {"Desde", "Since", "Desde"},
	"calls":      {"Chamadas", "Calls", "Llamadas"},
	"when":       {"Quando", "When", "Cuándo"},
	"subject":    {"Assunto", "Subject", "Asunto"},
	"seller":     {"Vendedor", "Seller", "Vendedor"},
	"state":      {"Situação", "State", "Estado"},
	"recording":  {"Gravação", "Recording", "Grabación"},
	"consents":   {"Consentimentos para gravar", "Consents to be recorded", "Consentimientos para grabar"},
	"answer":     {"Resposta", "Answer", "Respuesta"},
	"yes":        {"sim", "yes", "sí"},
	"no":         {"não", "no", "no"},
	"who":        {"Quem", "Who", "Quién"},
	"from":       {"De onde", "From", "Desde dónde"},
	"text":       {"Texto mostrado", "The words that were shown", "Texto mostrado"},
	"accesses":   {"Acessos às gravações", "Accesses to recordings", "Accesos a las grabaciones"},
	"what":       {"O quê", "What", "Qué"},
	"file":       {"Arquivo", "File", "Archivo"},
	"none":       {"Nada.", "Nothing.", "Nada."},
	"everything": {"Tudo isto, e cada acontecimento, está também nos arquivos JSON ao lado, para um sistema ler.", "All of this, and every event, is in the JSON files beside this page, too, for programs.", "Todo esto, y cada suceso, está también en los archivos JSON al lado, para que un sistema los lea."},
}

func wordsOf(language string) map[string]string {
	column := 1
	switch language {
	case "pt-BR":
		column = 0
	case "es":
		column = 2
	}
	words := make(map[string]string, len(exportWords))
	for key, row := range exportWords {
		words[key] = row[column]
	}
	return words
}

var exportTemplate = template.Must(template.New("index.html").Parse(`<!doctype html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.T "title"}}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #16211f; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-top: 1px solid #ccd6d3; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
.muted { color: #52625e; }
</style>
</head>
<body>
<h1>{{.T "title"}}</h1>
<p class="muted">{{.T "made"}} {{.Time .At}}. {{.T "everything"}}</p>
<h2>{{.T "person"}}</h2>
<table>
<tr><th>{{.T "name"}}</th><td>{{.Buyer.Name}}</td></tr>
{{with .Buyer.Email}}<tr><th>{{$.T "email"}}</th><td>{{.}}</td></tr>{{end}}
{{with .Buyer.Phone}}<tr><th>{{$.T "phone"}}</th><td>{{.}}</td></tr>{{end}}
{{with .Buyer.Reference}}<tr><th>{{$.T "reference"}}</th><td>{{.}}</td></tr>{{end}}
<tr><th>{{.T "since"}}</th><td>{{.Time .Buyer.CreatedAt}}</td></tr>
</table>
<h2>{{.T "calls"}}</h2>
{{if .Cases}}<div class="wide"><table>
<tr><th>{{.T "when"}}</th><th>{{.T "subject"}}</th><th>{{.T "seller"}}</th><th>{{.T "state"}}</th><th>{{.T "recording"}}</th></tr>
{{range .Cases}}<tr><td>{{$.Time .Conference.StartsAt}}</td><td>{{.Conference.Subject}}</td><td>{{.Seller.Name}}</td><td>{{.Conference.State}}</td><td>{{.Conference.RecordingState}}{{range .Conference.Files}}<br>{{.Name}}{{end}}</td></tr>
{{end}}</table></div>{{else}}<p>{{.T "none"}}</p>{{end}}
<h2>{{.T "consents"}}</h2>
<div class="wide"><table>
<tr><th>{{.T "when"}}</th><th>{{.T "who"}}</th><th>{{.T "answer"}}</th><th>{{.T "from"}}</th><th>{{.T "text"}}</th></tr>
{{range .Cases}}{{$case := .}}{{range .Conference.Consents}}<tr><td>{{$.Time .At}}</td><td>{{$case.NameOf .Participant}}</td><td>{{if .Accepted}}{{$.T "yes"}}{{else}}{{$.T "no"}}{{end}}</td><td>{{.Address}}</td><td>{{.Text}}</td></tr>
{{end}}{{end}}</table></div>
<h2>{{.T "accesses"}}</h2>
{{if .Accesses}}<div class="wide"><table>
<tr><th>{{.T "when"}}</th><th>{{.T "what"}}</th><th>{{.T "file"}}</th><th>{{.T "who"}}</th><th>{{.T "from"}}</th></tr>
{{range .Accesses}}<tr><td>{{$.Time .At}}</td><td>{{.What}}</td><td>{{.File}}</td><td>{{if .By.Name}}{{.By.Name}}{{else}}{{.By.ID}}{{end}}</td><td>{{.From}}</td></tr>
{{end}}</table></div>{{else}}<p>{{.T "none"}}</p>{{end}}
</body>
</html>
`))

func (e *export) html() error {
	w, err := e.create("index.html", zip.Deflate)
	if err != nil {
		return err
	}
	return exportTemplate.Execute(w, e.page)
}
