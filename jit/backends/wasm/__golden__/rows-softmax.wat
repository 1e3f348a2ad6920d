(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $unit  $from  $floordiv  $s0  $a  $b  $r  $q  $to  $a.12  $b.13  $r.14  $q.15  $a.16  $b.17  $r.18
      $sixteens  $mul  $s1  $fours  $mul.28  $c  $add  $arg0  $add.32  $c.33  $add.34  $add.35  $c.37  $add.39  $add.40
      $sixteens.48  $fours.49  $c.50  $add.52  $add.53  $add.64  $arg1  $c.96  $add.98  $add.99  $add.111  $c.112
      $add.114  $add.115  $sub.132  $shr  $add.134  $vectors  $c.138  $add.139  $mul.140  $mul.141  $add.142  $c.144
      $add.145  $mul.146  $mul.147  $add.148
  (local f32) $m_tail  $t0v  $m.42  $s_tail  $mul.113  $t0v.116  $sub  $select  $select.119  $c.120  $muladd  $sub.122
      $c.123  $c.124  $muladd.125  $c.126  $c.127  $c.128  $c.129  $c.130  $c.131  $s.136  $div
  (local v128) $m_0  $m_1  $m_2  $m_3  $t0v_v  $m  $s_0  $s_1  $s_2  $s_3  $value  $t0v_v.54  $ref_v  $sub_v  $select_v
      $select_v.58  $muladd_v  $sub_v.60  $muladd_v.61  $sub_v.62  $shr_v  $value.66  $t0v_v.67  $sub_v.68  $select_v.69
      $select_v.70  $muladd_v.71  $sub_v.72  $muladd_v.73  $sub_v.74  $shr_v.75  $value.76  $t0v_v.77  $sub_v.78
      $select_v.79  $select_v.80  $muladd_v.81  $sub_v.82  $muladd_v.83  $sub_v.84  $shr_v.85  $value.86  $t0v_v.87
      $sub_v.88  $select_v.89  $select_v.90  $muladd_v.91  $sub_v.92  $muladd_v.93  $sub_v.94  $shr_v.95  $value.97
      $t0v_v.100  $ref_v.101  $sub_v.102  $select_v.103  $select_v.104  $muladd_v.105  $sub_v.106  $muladd_v.107
      $sub_v.108  $shr_v.109  $mul_v  $s  $ref_v.143
  local.get $params  i32.load offset=8  local.set $s0
  local.get $params  i32.load offset=12  local.set $s1
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $begin  local.get $end  i32.lt_s  if $if1
    local.get $s0  i32.const 1  i32.add  i32.const 2  drop  i32.const 1  i32.shr_s  local.set $floordiv
    local.get $s1  i32.const 16  drop  i32.const 4  i32.shr_s  i32.const 4  i32.shl  local.set $mul
    local.get $s1  i32.const 4  drop  i32.const 2  i32.shr_s  i32.const 2  i32.shl  local.set $mul.28
    local.get $begin  local.set $unit
    loop $loop2
      local.get $unit  local.get $floordiv  local.set $b  local.set $a
      local.get $b  i32.eqz  if $if3 (result i32)
        i32.const 0
      else
        local.get $b  i32.const -1  i32.eq  if $if4 (result i32)
          i32.const 0
        else
          local.get $a  local.get $b  i32.rem_s  local.set $q
          local.get $q  local.set $r
          local.get $q  local.get $b  i32.add  local.get $q  local.get $r  i32.const 0  i32.ne  local.get $r
              local.get $b  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  i32.const 1  i32.shl  local.set $from
      local.get $s0  local.get $unit  local.get $floordiv  local.set $b.13  local.set $a.12  local.get $b.13  i32.eqz
          if $if5 (result i32)
        i32.const 0
      else
        local.get $b.13  i32.const -1  i32.eq  if $if6 (result i32)
          i32.const 0
        else
          local.get $a.12  local.get $b.13  i32.rem_s  local.set $q.15
          local.get $q.15  local.set $r.14
          local.get $q.15  local.get $b.13  i32.add  local.get $q.15  local.get $r.14  i32.const 0  i32.ne
              local.get $r.14  local.get $b.13  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  i32.const 1  i32.shl  i32.const 2  i32.add  local.set $b.17  local.tee $a.16  local.get $b.17
          local.get $a.16  local.get $b.17  i32.lt_s  select  local.set $to
      local.get $from  local.get $to  i32.lt_s  if $if7
        local.get $from  local.set $r.18
        loop $loop8
          f32.const -Infinity  local.set $m_tail
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_0
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_1
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_2
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_3
          local.get $mul  local.set $sixteens
          local.get $mul.28  local.set $fours
          i32.const 0  local.get $sixteens  i32.lt_s  if $if9
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add
            i32.const 0  local.set $c
            loop $loop10
              local.get $m_0  local.get $add  local.get $c  i32.const 2  i32.shl  i32.add  local.tee $add.32
                  v128.load align=4  f32x4.max  local.set $m_0
              local.get $m_1  local.get $add.32  v128.load offset=16 align=4  f32x4.max  local.set $m_1
              local.get $m_2  local.get $add.32  v128.load offset=32 align=4  f32x4.max  local.set $m_2
              local.get $m_3  local.get $add.32  v128.load offset=48 align=4  f32x4.max  local.set $m_3
              local.get $c  i32.const 16  i32.add  local.tee $c  local.get $sixteens  i32.lt_s  br_if $loop10
            end
          end
          local.get $sixteens  local.get $fours  i32.lt_s  if $if11
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.34
            local.get $sixteens  local.set $c.33
            loop $loop12
              local.get $m_0  local.get $add.34  local.get $c.33  i32.const 2  i32.shl  i32.add  local.tee $add.35
                  v128.load align=4  local.tee $t0v_v  f32x4.max  local.set $m_0
              local.get $c.33  i32.const 4  i32.add  local.tee $c.33  local.get $fours  i32.lt_s  br_if $loop12
            end
          end
          local.get $fours  local.get $s1  i32.lt_s  if $if13
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.39
            local.get $fours  local.set $c.37
            loop $loop14
              local.get $add.39  local.get $c.37  i32.const 2  i32.shl  i32.add  local.tee $add.40  f32.load
                  local.set $t0v
              local.get $m_tail  local.get $t0v  f32.max  local.set $m_tail
              local.get $c.37  i32.const 1  i32.add  local.tee $c.37  local.get $s1  i32.lt_s  br_if $loop14
            end
          end
          local.get $m_0  local.get $m_1  f32x4.max  local.get $m_2  local.get $m_3  f32x4.max  f32x4.max  local.set $m
          local.get $m  f32x4.extract_lane 0  local.get $m  f32x4.extract_lane 1  f32.max  local.get $m
              f32x4.extract_lane 2  local.get $m  f32x4.extract_lane 3  f32.max  f32.max  local.get $m_tail  f32.max
              local.set $m.42
          f32.const 0  local.set $s_tail
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_0
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_1
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_2
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_3
          local.get $mul  local.set $sixteens.48
          local.get $mul.28  local.set $fours.49
          i32.const 0  local.get $sixteens.48  i32.lt_s  if $if15
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.52
            local.get $m.42  f32x4.splat  local.set $ref_v
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.64
            i32.const 0  local.set $c.50
            loop $loop16
              v128.const i32x4 0x39506967 0x39506967 0x39506967 0x39506967  local.get $add.52  local.get $c.50
                  i32.const 2  i32.shl  i32.add  local.tee $add.53  v128.load align=4  local.tee $t0v_v.54
                  local.get $ref_v  f32x4.sub  local.tee $sub_v
                  v128.const i32x4 0xc2d00000 0xc2d00000 0xc2d00000 0xc2d00000  f32x4.pmax  local.tee $select_v
                  v128.const i32x4 0x42b20000 0x42b20000 0x42b20000 0x42b20000  f32x4.pmin  local.tee $select_v.58
                  v128.const i32x4 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b  f32x4.mul
                  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  f32x4.add  local.tee $muladd_v
                  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  f32x4.sub  local.tee $sub_v.60
                  v128.const i32x4 0x395e8083 0x395e8083 0x395e8083 0x395e8083  f32x4.mul  local.get $sub_v.60
                  v128.const i32x4 0xbf318000 0xbf318000 0xbf318000 0xbf318000  f32x4.mul  local.get $select_v.58
                  f32x4.add  f32x4.add  local.tee $muladd_v.61  f32x4.mul
                  v128.const i32x4 0x3ab743ce 0x3ab743ce 0x3ab743ce 0x3ab743ce  f32x4.add  local.get $muladd_v.61
                  f32x4.mul  v128.const i32x4 0x3c088908 0x3c088908 0x3c088908 0x3c088908  f32x4.add
                  local.get $muladd_v.61  f32x4.mul  v128.const i32x4 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1
                  f32x4.add  local.get $muladd_v.61  f32x4.mul
                  v128.const i32x4 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa  f32x4.add  local.get $muladd_v.61
                  f32x4.mul  v128.const i32x4 0x3f000000 0x3f000000 0x3f000000 0x3f000000  f32x4.add
                  local.get $muladd_v.61  local.get $muladd_v.61  f32x4.mul  f32x4.mul  local.get $muladd_v.61
                  f32x4.add  v128.const i32x4 0x3f800000 0x3f800000 0x3f800000 0x3f800000  f32x4.add
                  local.get $muladd_v  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  i32x4.sub
                  local.tee $sub_v.62  i32.const 1  i32x4.shr_s  local.tee $shr_v
                  v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  i32x4.add  i32.const 23  i32x4.shl
                  f32x4.mul  local.get $sub_v.62  local.get $shr_v  i32x4.sub
                  v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  i32x4.add  i32.const 23  i32x4.shl
                  f32x4.mul  local.set $value
              local.get $add.64  local.get $c.50  i32.const 2  i32.shl  i32.add  local.get $value  v128.store align=4
              local.get $s_0  local.get $value  f32x4.add  local.set $s_0
              v128.const i32x4 0x39506967 0x39506967 0x39506967 0x39506967  local.get $add.53
                  v128.load offset=16 align=4  local.tee $t0v_v.67  local.get $ref_v  f32x4.sub  local.tee $sub_v.68
                  v128.const i32x4 0xc2d00000 0xc2d00000 0xc2d00000 0xc2d00000  f32x4.pmax  local.tee $select_v.69
                  v128.const i32x4 0x42b20000 0x42b20000 0x42b20000 0x42b20000  f32x4.pmin  local.tee $select_v.70
                  v128.const i32x4 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b  f32x4.mul
                  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  f32x4.add  local.tee $muladd_v.71
                  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  f32x4.sub  local.tee $sub_v.72
                  v128.const i32x4 0x395e8083 0x395e8083 0x395e8083 0x395e8083  f32x4.mul  local.get $sub_v.72
                  v128.const i32x4 0xbf318000 0xbf318000 0xbf318000 0xbf318000  f32x4.mul  local.get $select_v.70
                  f32x4.add  f32x4.add  local.tee $muladd_v.73  f32x4.mul
                  v128.const i32x4 0x3ab743ce 0x3ab743ce 0x3ab743ce 0x3ab743ce  f32x4.add  local.get $muladd_v.73
                  f32x4.mul  v128.const i32x4 0x3c088908 0x3c088908 0x3c088908 0x3c088908  f32x4.add
                  local.get $muladd_v.73  f32x4.mul  v128.const i32x4 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1
                  f32x4.add  local.get $muladd_v.73  f32x4.mul
                  v128.const i32x4 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa  f32x4.add  local.get $muladd_v.73
                  f32x4.mul  v128.const i32x4 0x3f000000 0x3f000000 0x3f000000 0x3f000000  f32x4.add
                  local.get $muladd_v.73  local.get $muladd_v.73  f32x4.mul  f32x4.mul  local.get $muladd_v.73
                  f32x4.add  v128.const i32x4 0x3f800000 0x3f800000 0x3f800000 0x3f800000  f32x4.add
                  local.get $muladd_v.71  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  i32x4.sub
                  local.tee $sub_v.74  i32.const 1  i32x4.shr_s  local.tee $shr_v.75
                  v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  i32x4.add  i32.const 23  i32x4.shl
                  f32x4.mul  local.get $sub_v.74  local.get $shr_v.75  i32x4.sub
                  v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  i32x4.add  i32.const 23  i32x4.shl
                  f32x4.mul  local.set $value.66
              local.get $add.64  local.get $c.50  i32.const 2  i32.shl  i32.add  local.get $value.66
                  v128.store offset=16 align=4
              local.get $s_1  local.get $value.66  f32x4.add  local.set $s_1
              v128.const i32x4 0x39506967 0x39506967 0x39506967 0x39506967  local.get $add.53
                  v128.load offset=32 align=4  local.tee $t0v_v.77  local.get $ref_v  f32x4.sub  local.tee $sub_v.78
                  v128.const i32x4 0xc2d00000 0xc2d00000 0xc2d00000 0xc2d00000  f32x4.pmax  local.tee $select_v.79
                  v128.const i32x4 0x42b20000 0x42b20000 0x42b20000 0x42b20000  f32x4.pmin  local.tee $select_v.80
                  v128.const i32x4 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b  f32x4.mul
                  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  f32x4.add  local.tee $muladd_v.81
                  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  f32x4.sub  local.tee $sub_v.82
                  v128.const i32x4 0x395e8083 0x395e8083 0x395e8083 0x395e8083  f32x4.mul  local.get $sub_v.82
                  v128.const i32x4 0xbf318000 0xbf318000 0xbf318000 0xbf318000  f32x4.mul  local.get $select_v.80
                  f32x4.add  f32x4.add  local.tee $muladd_v.83  f32x4.mul
                  v128.const i32x4 0x3ab743ce 0x3ab743ce 0x3ab743ce 0x3ab743ce  f32x4.add  local.get $muladd_v.83
                  f32x4.mul  v128.const i32x4 0x3c088908 0x3c088908 0x3c088908 0x3c088908  f32x4.add
                  local.get $muladd_v.83  f32x4.mul  v128.const i32x4 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1
                  f32x4.add  local.get $muladd_v.83  f32x4.mul
                  v128.const i32x4 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa  f32x4.add  local.get $muladd_v.83
                  f32x4.mul  v128.const i32x4 0x3f000000 0x3f000000 0x3f000000 0x3f000000  f32x4.add
                  local.get $muladd_v.83  local.get $muladd_v.83  f32x4.mul  f32x4.mul  local.get $muladd_v.83
                  f32x4.add  v128.const i32x4 0x3f800000 0x3f800000 0x3f800000 0x3f800000  f32x4.add
                  local.get $muladd_v.81  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  i32x4.sub
                  local.tee $sub_v.84  i32.const 1  i32x4.shr_s  local.tee $shr_v.85
                  v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  i32x4.add  i32.const 23  i32x4.shl
                  f32x4.mul  local.get $sub_v.84  local.get $shr_v.85  i32x4.sub
                  v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  i32x4.add  i32.const 23  i32x4.shl
                  f32x4.mul  local.set $value.76
              local.get $add.64  local.get $c.50  i32.const 2  i32.shl  i32.add  local.get $value.76
                  v128.store offset=32 align=4
              local.get $s_2  local.get $value.76  f32x4.add  local.set $s_2
              v128.const i32x4 0x39506967 0x39506967 0x39506967 0x39506967  local.get $add.53
                  v128.load offset=48 align=4  local.tee $t0v_v.87  local.get $ref_v  f32x4.sub  local.tee $sub_v.88
                  v128.const i32x4 0xc2d00000 0xc2d00000 0xc2d00000 0xc2d00000  f32x4.pmax  local.tee $select_v.89
                  v128.const i32x4 0x42b20000 0x42b20000 0x42b20000 0x42b20000  f32x4.pmin  local.tee $select_v.90
                  v128.const i32x4 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b  f32x4.mul
                  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  f32x4.add  local.tee $muladd_v.91
                  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  f32x4.sub  local.tee $sub_v.92
                  v128.const i32x4 0x395e8083 0x395e8083 0x395e8083 0x395e8083  f32x4.mul  local.get $sub_v.92
                  v128.const i32x4 0xbf318000 0xbf318000 0xbf318000 0xbf318000  f32x4.mul  local.get $select_v.90
                  f32x4.add  f32x4.add  local.tee $muladd_v.93  f32x4.mul
                  v128.const i32x4 0x3ab743ce 0x3ab743ce 0x3ab743ce 0x3ab743ce  f32x4.add  local.get $muladd_v.93
                  f32x4.mul  v128.const i32x4 0x3c088908 0x3c088908 0x3c088908 0x3c088908  f32x4.add
                  local.get $muladd_v.93  f32x4.mul  v128.const i32x4 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1
                  f32x4.add  local.get $muladd_v.93  f32x4.mul
                  v128.const i32x4 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa  f32x4.add  local.get $muladd_v.93
                  f32x4.mul  v128.const i32x4 0x3f000000 0x3f000000 0x3f000000 0x3f000000  f32x4.add
                  local.get $muladd_v.93  local.get $muladd_v.93  f32x4.mul  f32x4.mul  local.get $muladd_v.93
                  f32x4.add  v128.const i32x4 0x3f800000 0x3f800000 0x3f800000 0x3f800000  f32x4.add
                  local.get $muladd_v.91  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  i32x4.sub
                  local.tee $sub_v.94  i32.const 1  i32x4.shr_s  local.tee $shr_v.95
                  v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  i32x4.add  i32.const 23  i32x4.shl
                  f32x4.mul  local.get $sub_v.94  local.get $shr_v.95  i32x4.sub
                  v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  i32x4.add  i32.const 23  i32x4.shl
                  f32x4.mul  local.set $value.86
              local.get $add.64  local.get $c.50  i32.const 2  i32.shl  i32.add  local.get $value.86
                  v128.store offset=48 align=4
              local.get $s_3  local.get $value.86  f32x4.add  local.set $s_3
              local.get $c.50  i32.const 16  i32.add  local.tee $c.50  local.get $sixteens.48  i32.lt_s  br_if $loop16
            end
          end
          local.get $sixteens.48  local.get $fours.49  i32.lt_s  if $if17
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.98
            local.get $m.42  f32x4.splat  local.set $ref_v.101
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.111
            local.get $sixteens.48  local.set $c.96
            loop $loop18
              v128.const i32x4 0x39506967 0x39506967 0x39506967 0x39506967  local.get $add.98  local.get $c.96
                  i32.const 2  i32.shl  i32.add  local.tee $add.99  v128.load align=4  local.tee $t0v_v.100
                  local.get $ref_v.101  f32x4.sub  local.tee $sub_v.102
                  v128.const i32x4 0xc2d00000 0xc2d00000 0xc2d00000 0xc2d00000  f32x4.pmax  local.tee $select_v.103
                  v128.const i32x4 0x42b20000 0x42b20000 0x42b20000 0x42b20000  f32x4.pmin  local.tee $select_v.104
                  v128.const i32x4 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b  f32x4.mul
                  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  f32x4.add  local.tee $muladd_v.105
                  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  f32x4.sub  local.tee $sub_v.106
                  v128.const i32x4 0x395e8083 0x395e8083 0x395e8083 0x395e8083  f32x4.mul  local.get $sub_v.106
                  v128.const i32x4 0xbf318000 0xbf318000 0xbf318000 0xbf318000  f32x4.mul  local.get $select_v.104
                  f32x4.add  f32x4.add  local.tee $muladd_v.107  f32x4.mul
                  v128.const i32x4 0x3ab743ce 0x3ab743ce 0x3ab743ce 0x3ab743ce  f32x4.add  local.get $muladd_v.107
                  f32x4.mul  v128.const i32x4 0x3c088908 0x3c088908 0x3c088908 0x3c088908  f32x4.add
                  local.get $muladd_v.107  f32x4.mul  v128.const i32x4 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1
                  f32x4.add  local.get $muladd_v.107  f32x4.mul
                  v128.const i32x4 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa  f32x4.add  local.get $muladd_v.107
                  f32x4.mul  v128.const i32x4 0x3f000000 0x3f000000 0x3f000000 0x3f000000  f32x4.add
                  local.get $muladd_v.107  local.get $muladd_v.107  f32x4.mul  f32x4.mul  local.get $muladd_v.107
                  f32x4.add  v128.const i32x4 0x3f800000 0x3f800000 0x3f800000 0x3f800000  f32x4.add
                  local.get $muladd_v.105  v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  i32x4.sub
                  local.tee $sub_v.108  i32.const 1  i32x4.shr_s  local.tee $shr_v.109
                  v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  i32x4.add  i32.const 23  i32x4.shl
                  f32x4.mul  local.get $sub_v.108  local.get $shr_v.109  i32x4.sub
                  v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  i32x4.add  i32.const 23  i32x4.shl
                  f32x4.mul  local.tee $mul_v  local.set $value.97
              local.get $add.111  local.get $c.96  i32.const 2  i32.shl  i32.add  local.get $value.97
                  v128.store align=4
              local.get $s_0  local.get $value.97  f32x4.add  local.set $s_0
              local.get $c.96  i32.const 4  i32.add  local.tee $c.96  local.get $fours.49  i32.lt_s  br_if $loop18
            end
          end
          local.get $fours.49  local.get $s1  i32.lt_s  if $if19
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.114
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.134
            local.get $fours.49  local.set $c.112
            loop $loop20
              f32.const 0.00019875691214110702  f32.const 89  f32.const -104  local.get $add.114  local.get $c.112
                  i32.const 2  i32.shl  i32.add  local.tee $add.115  f32.load  local.tee $t0v.116  local.get $m.42
                  f32.sub  local.tee $sub  f32.gt  if $if21 (result f32)
                f32.const -104
              else
                local.get $sub
              end  local.tee $select  f32.lt  if $if22 (result f32)
                f32.const 89
              else
                local.get $select
              end  local.tee $select.119  f32.const 1.4426950216293335  f32.const 12582912  local.set $c.120  f32.mul
                  local.get $c.120  f32.add  local.tee $muladd  f32.const 12582912  f32.sub  local.tee $sub.122
                  f32.const 0.00021219444170128554  local.get $sub.122  f32.const -0.693359375  local.get $select.119
                  local.set $c.123  f32.mul  local.get $c.123  f32.add  local.set $c.124  f32.mul  local.get $c.124
                  f32.add  local.tee $muladd.125  f32.const 0.001398199936375022  local.set $c.126  f32.mul
                  local.get $c.126  f32.add  local.get $muladd.125  f32.const 0.008333452045917511  local.set $c.127
                  f32.mul  local.get $c.127  f32.add  local.get $muladd.125  f32.const 0.04166579619050026
                  local.set $c.128  f32.mul  local.get $c.128  f32.add  local.get $muladd.125
                  f32.const 0.1666666567325592  local.set $c.129  f32.mul  local.get $c.129  f32.add
                  local.get $muladd.125  f32.const 0.5  local.set $c.130  f32.mul  local.get $c.130  f32.add
                  local.get $muladd.125  local.get $muladd.125  f32.mul  local.get $muladd.125  local.set $c.131
                  f32.mul  local.get $c.131  f32.add  f32.const 1  f32.add  local.get $muladd  i32.reinterpret_f32
                  i32.const 1262485504  i32.sub  local.tee $sub.132  i32.const 1  i32.shr_s  local.tee $shr
                  i32.const 127  i32.add  i32.const 23  i32.shl  f32.reinterpret_i32  f32.mul  local.get $sub.132
                  local.get $shr  i32.sub  i32.const 127  i32.add  i32.const 23  i32.shl  f32.reinterpret_i32  f32.mul
                  local.set $mul.113
              local.get $add.134  local.get $c.112  i32.const 2  i32.shl  i32.add  local.get $mul.113  f32.store
              local.get $s_tail  local.get $mul.113  f32.add  local.set $s_tail
              local.get $c.112  i32.const 1  i32.add  local.tee $c.112  local.get $s1  i32.lt_s  br_if $loop20
            end
          end
          local.get $s_0  local.get $s_1  f32x4.add  local.get $s_2  local.get $s_3  f32x4.add  f32x4.add  local.set $s
          local.get $s  f32x4.extract_lane 0  local.get $s  f32x4.extract_lane 1  f32.add  local.get $s
              f32x4.extract_lane 2  local.get $s  f32x4.extract_lane 3  f32.add  f32.add  local.get $s_tail  f32.add
              local.set $s.136
          local.get $mul.28  local.set $vectors
          i32.const 0  local.get $vectors  i32.lt_s  if $if23
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  local.tee $mul.140  i32.add
                local.set $add.139
            local.get $s.136  f32x4.splat  local.set $ref_v.143
            i32.const 0  local.set $c.138
            loop $loop24
              local.get $add.139  local.get $c.138  i32.const 2  i32.shl  local.tee $mul.141  i32.add
                  local.tee $add.142  local.get $add.142  v128.load align=4  local.get $ref_v.143  f32x4.div
                  v128.store align=4
              local.get $c.138  i32.const 4  i32.add  local.tee $c.138  local.get $vectors  i32.lt_s  br_if $loop24
            end
          end
          local.get $vectors  local.get $s1  i32.lt_s  if $if25
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  local.tee $mul.146  i32.add
                local.set $add.145
            local.get $vectors  local.set $c.144
            loop $loop26
              local.get $add.145  local.get $c.144  i32.const 2  i32.shl  local.tee $mul.147  i32.add
                  local.tee $add.148  local.get $add.148  f32.load  local.get $s.136  f32.div  local.tee $div  f32.store
              local.get $c.144  i32.const 1  i32.add  local.tee $c.144  local.get $s1  i32.lt_s  br_if $loop26
            end
          end
          local.get $r.18  i32.const 1  i32.add  local.tee $r.18  local.get $to  i32.lt_s  br_if $loop8
        end
      end
      local.get $unit  i32.const 1  i32.add  local.tee $unit  local.get $end  i32.lt_s  br_if $loop2
    end
  end
)
