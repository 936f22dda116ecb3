{{- define "directfaas.labels" -}}
app.kubernetes.io/name: directfaas
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: directfaas
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "directfaas.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "directfaas.apiserverEnv" -}}
{{- if .Values.apiserver.host }}
- {name: KUBERNETES_SERVICE_HOST, value: {{ .Values.apiserver.host | quote }}}
- {name: KUBERNETES_SERVICE_PORT, value: {{ .Values.apiserver.port | quote }}}
{{- end }}
{{- end }}

{{- /* The volume with the pod's own credentials: mounted only where they are used. */ -}}
{{- define "directfaas.credentials" -}}
- name: credentials
  projected:
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3607}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
{{- end }}
