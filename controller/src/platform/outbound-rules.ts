// Which addresses the controller may be sent to by what people write into a pipeline: public ones, and what the settings allow.
import { BlockList, isIP } from 'node:net'

/** What is allowed besides public addresses: hosts by name, wherever they are, and networks. */
export interface OutboundAllowed {
  hosts: ReadonlySet<string>
  networks: BlockList
}

/** Not public, or not one host (IANA's registries of special-purpose addresses). */
const special4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
]
/** Within 2000::/3, outside of which no address is public. The first and the third hold addresses of IPv4. */
const special6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const notPublic = networksOf([...special4, ...special6])
const unicast6 = networksOf(['2000::/3'])

function networksOf(all: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of all) addNetwork(list, network)
  return list
}

/** "10.0.0.0/8", "::1". False: it is neither an address nor a network. */
export function addNetwork(list: BlockList, text: string): boolean {
  const [address = '', bits] = text.split('/')
  const family = isIP(address)
  if (family === 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return false
  const most = family === 4 ? 32 : 128
  const prefix = bits === undefined ? most : Number(bits)
  if (prefix > most) return false
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  return true
}

/** Of a name or an address as URLs have it, small and without brackets. */
export function isAllowedHost(host: string, allowed: OutboundAllowed): boolean {
  return allowed.hosts.has(host)
}

export function isAllowedAddress(address: string, allowed: OutboundAllowed): boolean {
  const family = isIP(address)
  if (family === 0) return false
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  if (allowed.networks.check(address, kind)) return true
  if (notPublic.check(address, kind)) return false
  return family === 4 || unicast6.check(address, kind)
}

/** Words with commas between them: host names, addresses, networks. Throws for what is none of them. */
export function readAllowed(text: string): OutboundAllowed {
  const hosts = new Set<string>()
  const networks = new BlockList()
  for (const word of text.split(',').map((each) => each.trim().toLowerCase())) {
    if (word === '' || addNetwork(networks, word)) continue
    const name = word.replace(/\.$/, '')
    if (
      !/^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/.test(name) ||
      /^[\d.-]+$/.test(name)
    ) {
      throw new Error(
        `holds ${JSON.stringify(word)}, which is neither a host name nor an address or network such as 10.0.0.0/8`,
      )
    }
    hosts.add(name)
  }
  return { hosts, networks }
}
