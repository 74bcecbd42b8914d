{{- define "name" -}}
gardener-extension-registry-cache
{{- end -}}

{{- define "leaderelectionid" -}}
extension-registry-cache-leader-election
{{- end -}}

{{- /* The selector of a running landscape's Deployment is immutable, so these two labels stay as they are. */ -}}
{{- define "labels" -}}
app.kubernetes.io/name: {{ include "name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "image" -}}
{{- with .Values.image -}}
{{- $tag := .tag | default $.Chart.AppVersion | toString -}}
{{- if .ref -}}
{{ .ref }}
{{- else if hasPrefix "sha256:" $tag -}}
{{ .repository }}@{{ $tag }}
{{- else -}}
{{ .repository }}:{{ $tag }}
{{- end -}}
{{- end -}}
{{- end -}}
