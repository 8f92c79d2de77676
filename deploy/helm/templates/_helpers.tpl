{{- define "arflow.name" -}}
{{- if contains "arflow" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-arflow" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- define "arflow.labels" -}}
app.kubernetes.io/name: arflow
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "arflow.selector" -}}
app.kubernetes.io/name: arflow
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "arflow.secret" -}}
{name: {{ .root.Values.secrets.name }}, key: {{ .key }}}
{{- end }}

{{/* Where authorities of the operator's own lie; empty: there are none. */}}
{{- define "arflow.authorities" -}}
{{- $a := .Values.authorities -}}
{{- if and $a.configMap $a.secret }}{{ fail "authorities: a configMap or a secret, not both" }}{{ end -}}
{{- if $a.configMap }}configMap: {name: {{ $a.configMap }}}
{{- else if $a.secret }}secret: {secretName: {{ $a.secret }}, defaultMode: 0440}
{{- else if .Values.temporal.tls.authorities }}{{ fail "temporal.tls.authorities: name them in authorities.configMap or authorities.secret" }}{{ end -}}
{{- end }}

{{/* What every process is told. `database`: the key of its login. */}}
{{- define "arflow.environment" -}}
{{- $v := .root.Values -}}
- {name: ARFLOW_ENV, value: production}
- {name: ARFLOW_HOST, value: "0.0.0.0"}
- {name: ARFLOW_PORT, value: "8080"}
- name: ARFLOW_DATABASE_URL
  valueFrom: {secretKeyRef: {{ include "arflow.secret" (dict "root" .root "key" .database) }}}
- name: ARFLOW_SMTP_URL
  valueFrom: {secretKeyRef: {{ include "arflow.secret" (dict "root" .root "key" "smtp-url") }}}
- {name: ARFLOW_OIDC_ISSUER, value: {{ required "oidc.issuer: who issues the tokens of your people" $v.oidc.issuer | quote }}}
- {name: ARFLOW_OIDC_AUDIENCE, value: {{ required "oidc.audience: for whom they are issued" $v.oidc.audience | quote }}}
- {name: ARFLOW_TEMPORAL_ADDRESS, value: {{ required "temporal.address: host:port of Temporal" $v.temporal.address | quote }}}
- {name: ARFLOW_TEMPORAL_NAMESPACE, value: {{ $v.temporal.namespace | quote }}}
{{- if $v.temporal.apiKey }}
- {name: ARFLOW_TEMPORAL_API_KEY_FILE, value: /etc/arflow/temporal-key/temporal-api-key}
{{- end }}
{{- if include "arflow.authorities" .root }}
- {name: ARFLOW_AUTHORITIES_FILE, value: /etc/arflow/authorities/{{ $v.authorities.key }}}
{{- end }}
{{- if $v.temporal.tls.authorities }}
- {name: ARFLOW_TEMPORAL_TLS_CA_FILE, value: /etc/arflow/authorities/{{ $v.authorities.key }}}
{{- else if $v.temporal.tls.secret }}
- {name: ARFLOW_TEMPORAL_TLS_CA_FILE, value: /etc/arflow/temporal/ca.crt}
{{- end }}
{{- if $v.temporal.tls.secret }}
- {name: ARFLOW_TEMPORAL_TLS_CERT_FILE, value: /etc/arflow/temporal/tls.crt}
- {name: ARFLOW_TEMPORAL_TLS_KEY_FILE, value: /etc/arflow/temporal/tls.key}
{{- end }}
{{- if $v.signing.secret }}
- {name: ARFLOW_SIGNING_KEY_FILE, value: /etc/arflow/signing/signing.pem}
- {name: ARFLOW_SIGNING_PUBLIC_KEYS_FILE, value: /etc/arflow/signing/public.pem}
{{- end }}
{{- if $v.sources.secrets }}
- {name: ARFLOW_SECRETS_DIR, value: /etc/arflow/sources}
{{- end }}
{{- range $name, $value := dict "ARFLOW_OIDC_JWKS_URL" $v.oidc.jwksUrl "ARFLOW_TEMPORAL_TLS_SERVER_NAME" $v.temporal.tls.serverName "ARFLOW_PUBLIC_URL" $v.publicUrl "ARFLOW_BUILD_ID" ($v.buildId | default $v.image.tag) "ARFLOW_RATE_LIMIT" $v.rateLimit "ARFLOW_SOURCE_HOSTS" $v.sources.hosts "ARFLOW_LOG_LEVEL" $v.logLevel "ARFLOW_TRACING" $v.tracing }}
{{- if $value }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- range $name, $value := $v.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{- define "arflow.mounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: home, mountPath: /var/lib/arflow}
{{- if include "arflow.authorities" . }}
- {name: authorities, mountPath: /etc/arflow/authorities, readOnly: true}
{{- end }}
{{- if .Values.temporal.tls.secret }}
- {name: temporal-tls, mountPath: /etc/arflow/temporal, readOnly: true}
{{- end }}
{{- if .Values.temporal.apiKey }}
- {name: temporal-key, mountPath: /etc/arflow/temporal-key, readOnly: true}
{{- end }}
{{- if .Values.signing.secret }}
- {name: signing, mountPath: /etc/arflow/signing, readOnly: true}
{{- end }}
{{- range $org, $secret := .Values.sources.secrets }}
- {name: source-{{ $org | replace "_" "-" }}, mountPath: /etc/arflow/sources/{{ $org }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "arflow.volumes" -}}
- {name: tmp, emptyDir: {}}
- {name: home, emptyDir: {}}
{{- with include "arflow.authorities" . }}
- {name: authorities, {{ . }}}
{{- end }}
{{- if .Values.temporal.tls.secret }}
- {name: temporal-tls, secret: {secretName: {{ .Values.temporal.tls.secret }}, defaultMode: 0440}}
{{- end }}
{{- if .Values.temporal.apiKey }}
- {name: temporal-key, secret: {secretName: {{ .Values.secrets.name }}, defaultMode: 0440, items: [{key: temporal-api-key, path: temporal-api-key}]}}
{{- end }}
{{- if .Values.signing.secret }}
- {name: signing, secret: {secretName: {{ .Values.signing.secret }}, defaultMode: 0440}}
{{- end }}
{{- range $org, $secret := .Values.sources.secrets }}
- {name: source-{{ $org | replace "_" "-" }}, secret: {secretName: {{ $secret }}, defaultMode: 0440}}
{{- end }}
{{- end }}

{{/* A pod of one process: nobody's account, nothing writable but its scratch, no token of the cluster. */}}
{{- define "arflow.pod" -}}
automountServiceAccountToken: false
securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
volumes:
  {{- include "arflow.volumes" . | nindent 2 }}
{{- end }}

{{- define "arflow.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
volumeMounts:
  {{- include "arflow.mounts" . | nindent 2 }}
{{- end }}
