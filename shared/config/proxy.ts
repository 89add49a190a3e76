/**
 * Whose addresses are never asked through a proxy, whatever `HTTP_PROXY` and `HTTPS_PROXY` say: those of this machine, and
 * the identity endpoints of Azure, which hand out tokens and answer the machine itself only.
 */
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]', '::1', '169.254.169.254'];

/**
 * Adds them to `NO_PROXY`, which all HTTP libraries of the app obey. To be called before the first of these is loaded:
 * they read it once. Does nothing where no proxy is set.
 * @param environment Is changed.
 */
export function keepLocalTrafficFromProxies(environment: Record<string, string | undefined>): void {
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  if (!proxies.some((name) => environment[name])) {
    return;
  }
  const given = (environment.NO_PROXY ?? environment.no_proxy ?? '').split(',').map((host) => host.trim());
  const identityHosts = [environment.IDENTITY_ENDPOINT, environment.MSI_ENDPOINT].flatMap((url) =>
    url !== undefined && URL.canParse(url) ? [new URL(url).hostname] : [],
  );
  const hosts = new Set([...given.filter(Boolean), ...LOCAL_HOSTS, ...identityHosts]);
  const list = [...hosts].join(',');
  environment.NO_PROXY = list;
  environment.no_proxy = list;
}
