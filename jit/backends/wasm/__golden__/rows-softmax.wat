(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $unit  $from  $floordiv  $s0  $a  $b  $r  $q  $to  $a.12  $b.13  $r.14  $q.15  $a.16  $b.17  $r.18
      $sixteens  $mul  $s1  $fours  $mul.28  $c  $add  $arg0  $add.32  $c.37  $add.38  $add.39  $c.42  $add.44  $add.45
      $sixteens.66  $fours.67  $c.68  $add.71  $add.72  $add.97  $arg1  $c.129  $add.131  $add.132  $add.144  $c.145
      $add.147  $add.148  $sub.165  $shr  $add.167  $vectors  $c.171  $add.172  $mul.173  $mul.174  $add.175  $c.177
      $add.178  $mul.179  $mul.180  $add.181
  (local f32) $m_tail  $t0v  $a.46  $b.47  $m.52  $a.53  $b.54  $a.55  $b.56  $a.57  $b.58  $a.59  $b.60  $s_tail
      $mul.146  $t0v.149  $sub  $select  $select.152  $c.153  $muladd  $sub.155  $c.156  $c.157  $muladd.158  $c.159
      $c.160  $c.161  $c.162  $c.163  $c.164  $s.169  $div
  (local v128) $m_0  $m_1  $m_2  $m_3  $x  $x.34  $x.35  $x.36  $t0v_v  $x.41  $m  $x.49  $x.50  $x.51  $s_0  $s_1  $s_2
      $s_3  $value  $const_v  $t0v_v.73  $ref_v  $sub_v  $const_v.76  $select_v  $const_v.78  $select_v.79  $const_v.80
      $const_v.81  $muladd_v  $sub_v.83  $const_v.84  $const_v.85  $muladd_v.86  $const_v.87  $const_v.88  $const_v.89
      $const_v.90  $const_v.91  $const_v.92  $const_v.93  $sub_v.94  $shr_v  $const_v.96  $value.99  $t0v_v.100
      $sub_v.101  $select_v.102  $select_v.103  $muladd_v.104  $sub_v.105  $muladd_v.106  $sub_v.107  $shr_v.108
      $value.109  $t0v_v.110  $sub_v.111  $select_v.112  $select_v.113  $muladd_v.114  $sub_v.115  $muladd_v.116
      $sub_v.117  $shr_v.118  $value.119  $t0v_v.120  $sub_v.121  $select_v.122  $select_v.123  $muladd_v.124
      $sub_v.125  $muladd_v.126  $sub_v.127  $shr_v.128  $value.130  $t0v_v.133  $ref_v.134  $sub_v.135  $select_v.136
      $select_v.137  $muladd_v.138  $sub_v.139  $muladd_v.140  $sub_v.141  $shr_v.142  $mul_v  $s  $ref_v.176
  local.get $params  i32.load offset=8  local.set $s0
  local.get $params  i32.load offset=12  local.set $s1
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $begin  local.get $end  i32.lt_s  if $if1
    local.get $s0  i32.const 1  i32.add  i32.const 1  i32.shr_s  local.set $floordiv
    local.get $s1  i32.const 4  i32.shr_s  i32.const 4  i32.shl  local.set $mul
    local.get $s1  i32.const 2  i32.shr_s  i32.const 2  i32.shl  local.set $mul.28
    v128.const i32x4 0x39506967 0x39506967 0x39506967 0x39506967  local.set $const_v
    v128.const i32x4 0xc3300000 0xc3300000 0xc3300000 0xc3300000  local.set $const_v.76
    v128.const i32x4 0x42b20000 0x42b20000 0x42b20000 0x42b20000  local.set $const_v.78
    v128.const i32x4 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b  local.set $const_v.80
    v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  local.set $const_v.81
    v128.const i32x4 0x395e8083 0x395e8083 0x395e8083 0x395e8083  local.set $const_v.84
    v128.const i32x4 0xbf318000 0xbf318000 0xbf318000 0xbf318000  local.set $const_v.85
    v128.const i32x4 0x3ab743ce 0x3ab743ce 0x3ab743ce 0x3ab743ce  local.set $const_v.87
    v128.const i32x4 0x3c088908 0x3c088908 0x3c088908 0x3c088908  local.set $const_v.88
    v128.const i32x4 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1 0x3d2aa9c1  local.set $const_v.89
    v128.const i32x4 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa 0x3e2aaaaa  local.set $const_v.90
    v128.const i32x4 0x3f000000 0x3f000000 0x3f000000 0x3f000000  local.set $const_v.91
    v128.const i32x4 0x3f800000 0x3f800000 0x3f800000 0x3f800000  local.set $const_v.92
    v128.const i32x4 0x4b400000 0x4b400000 0x4b400000 0x4b400000  local.set $const_v.93
    v128.const i32x4 0x0000007f 0x0000007f 0x0000007f 0x0000007f  local.set $const_v.96
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
                  v128.load align=4  local.tee $x  f32x4.pmax  local.get $x  local.get $x  f32x4.ne  v128.or
                  local.set $m_0
              local.get $m_1  local.get $add.32  v128.load offset=16 align=4  local.tee $x.34  f32x4.pmax
                  local.get $x.34  local.get $x.34  f32x4.ne  v128.or  local.set $m_1
              local.get $m_2  local.get $add.32  v128.load offset=32 align=4  local.tee $x.35  f32x4.pmax
                  local.get $x.35  local.get $x.35  f32x4.ne  v128.or  local.set $m_2
              local.get $m_3  local.get $add.32  v128.load offset=48 align=4  local.tee $x.36  f32x4.pmax
                  local.get $x.36  local.get $x.36  f32x4.ne  v128.or  local.set $m_3
              local.get $c  i32.const 16  i32.add  local.tee $c  local.get $sixteens  i32.lt_s  br_if $loop10
            end
          end
          local.get $sixteens  local.get $fours  i32.lt_s  if $if11
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.38
            local.get $sixteens  local.set $c.37
            loop $loop12
              local.get $m_0  local.get $add.38  local.get $c.37  i32.const 2  i32.shl  i32.add  local.tee $add.39
                  v128.load align=4  local.tee $t0v_v  local.tee $x.41  f32x4.pmax  local.get $x.41  local.get $x.41
                  f32x4.ne  v128.or  local.set $m_0
              local.get $c.37  i32.const 4  i32.add  local.tee $c.37  local.get $fours  i32.lt_s  br_if $loop12
            end
          end
          local.get $fours  local.get $s1  i32.lt_s  if $if13
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.44
            local.get $fours  local.set $c.42
            loop $loop14
              local.get $add.44  local.get $c.42  i32.const 2  i32.shl  i32.add  local.tee $add.45  f32.load
                  local.set $t0v
              local.get $m_tail  local.get $t0v  local.set $b.47  local.set $a.46
              i32.const -1  f32.reinterpret_i32  local.get $b.47  local.get $a.46  local.get $a.46  local.get $b.47
                  f32.lt  select  local.get $b.47  local.get $b.47  f32.ne  select  local.set $m_tail
              local.get $c.42  i32.const 1  i32.add  local.tee $c.42  local.get $s1  i32.lt_s  br_if $loop14
            end
          end
          local.get $m_0  local.get $m_1  local.tee $x.49  f32x4.pmax  local.get $x.49  local.get $x.49  f32x4.ne
              v128.or  local.get $m_2  local.get $m_3  local.tee $x.50  f32x4.pmax  local.get $x.50  local.get $x.50
              f32x4.ne  v128.or  local.tee $x.51  f32x4.pmax  local.get $x.51  local.get $x.51  f32x4.ne  v128.or
              local.set $m
          local.get $m  f32x4.extract_lane 0  local.get $m  f32x4.extract_lane 1  local.set $b.54  local.set $a.53
          i32.const -1  f32.reinterpret_i32  local.get $b.54  local.get $a.53  local.get $a.53  local.get $b.54  f32.lt
              select  local.get $b.54  local.get $b.54  f32.ne  select  local.get $m  f32x4.extract_lane 2  local.get $m
              f32x4.extract_lane 3  local.set $b.56  local.set $a.55  i32.const -1  f32.reinterpret_i32  local.get $b.56
              local.get $a.55  local.get $a.55  local.get $b.56  f32.lt  select  local.get $b.56  local.get $b.56
              f32.ne  select  local.set $b.58  local.set $a.57
          i32.const -1  f32.reinterpret_i32  local.get $b.58  local.get $a.57  local.get $a.57  local.get $b.58  f32.lt
              select  local.get $b.58  local.get $b.58  f32.ne  select  local.get $m_tail  local.set $b.60
              local.set $a.59
          i32.const -1  f32.reinterpret_i32  local.get $b.60  local.get $a.59  local.get $a.59  local.get $b.60  f32.lt
              select  local.get $b.60  local.get $b.60  f32.ne  select  local.set $m.52
          f32.const 0  local.set $s_tail
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_0
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_1
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_2
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_3
          local.get $mul  local.set $sixteens.66
          local.get $mul.28  local.set $fours.67
          i32.const 0  local.get $sixteens.66  i32.lt_s  if $if15
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.71
            local.get $m.52  f32x4.splat  local.set $ref_v
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.97
            i32.const 0  local.set $c.68
            loop $loop16
              local.get $const_v  local.get $add.71  local.get $c.68  i32.const 2  i32.shl  i32.add  local.tee $add.72
                  v128.load align=4  local.tee $t0v_v.73  local.get $ref_v  f32x4.sub  local.tee $sub_v
                  local.get $const_v.76  f32x4.pmax  local.tee $select_v  local.get $const_v.78  f32x4.pmin
                  local.tee $select_v.79  local.get $const_v.80  f32x4.mul  local.get $const_v.81  f32x4.add
                  local.tee $muladd_v  local.get $const_v.81  f32x4.sub  local.tee $sub_v.83  local.get $const_v.84
                  f32x4.mul  local.get $sub_v.83  local.get $const_v.85  f32x4.mul  local.get $select_v.79  f32x4.add
                  f32x4.add  local.tee $muladd_v.86  f32x4.mul  local.get $const_v.87  f32x4.add  local.get $muladd_v.86
                  f32x4.mul  local.get $const_v.88  f32x4.add  local.get $muladd_v.86  f32x4.mul  local.get $const_v.89
                  f32x4.add  local.get $muladd_v.86  f32x4.mul  local.get $const_v.90  f32x4.add  local.get $muladd_v.86
                  f32x4.mul  local.get $const_v.91  f32x4.add  local.get $muladd_v.86  local.get $muladd_v.86  f32x4.mul
                  f32x4.mul  local.get $muladd_v.86  f32x4.add  local.get $const_v.92  f32x4.add  local.get $muladd_v
                  local.get $const_v.93  i32x4.sub  local.tee $sub_v.94  i32.const 1  i32x4.shr_s  local.tee $shr_v
                  local.get $const_v.96  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul  local.get $sub_v.94
                  local.get $shr_v  i32x4.sub  local.get $const_v.96  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul
                  local.set $value
              local.get $add.97  local.get $c.68  i32.const 2  i32.shl  i32.add  local.get $value  v128.store align=4
              local.get $s_0  local.get $value  f32x4.add  local.set $s_0
              local.get $const_v  local.get $add.72  v128.load offset=16 align=4  local.tee $t0v_v.100  local.get $ref_v
                  f32x4.sub  local.tee $sub_v.101  local.get $const_v.76  f32x4.pmax  local.tee $select_v.102
                  local.get $const_v.78  f32x4.pmin  local.tee $select_v.103  local.get $const_v.80  f32x4.mul
                  local.get $const_v.81  f32x4.add  local.tee $muladd_v.104  local.get $const_v.81  f32x4.sub
                  local.tee $sub_v.105  local.get $const_v.84  f32x4.mul  local.get $sub_v.105  local.get $const_v.85
                  f32x4.mul  local.get $select_v.103  f32x4.add  f32x4.add  local.tee $muladd_v.106  f32x4.mul
                  local.get $const_v.87  f32x4.add  local.get $muladd_v.106  f32x4.mul  local.get $const_v.88  f32x4.add
                  local.get $muladd_v.106  f32x4.mul  local.get $const_v.89  f32x4.add  local.get $muladd_v.106
                  f32x4.mul  local.get $const_v.90  f32x4.add  local.get $muladd_v.106  f32x4.mul  local.get $const_v.91
                  f32x4.add  local.get $muladd_v.106  local.get $muladd_v.106  f32x4.mul  f32x4.mul
                  local.get $muladd_v.106  f32x4.add  local.get $const_v.92  f32x4.add  local.get $muladd_v.104
                  local.get $const_v.93  i32x4.sub  local.tee $sub_v.107  i32.const 1  i32x4.shr_s  local.tee $shr_v.108
                  local.get $const_v.96  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul  local.get $sub_v.107
                  local.get $shr_v.108  i32x4.sub  local.get $const_v.96  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul
                  local.set $value.99
              local.get $add.97  local.get $c.68  i32.const 2  i32.shl  i32.add  local.get $value.99
                  v128.store offset=16 align=4
              local.get $s_1  local.get $value.99  f32x4.add  local.set $s_1
              local.get $const_v  local.get $add.72  v128.load offset=32 align=4  local.tee $t0v_v.110  local.get $ref_v
                  f32x4.sub  local.tee $sub_v.111  local.get $const_v.76  f32x4.pmax  local.tee $select_v.112
                  local.get $const_v.78  f32x4.pmin  local.tee $select_v.113  local.get $const_v.80  f32x4.mul
                  local.get $const_v.81  f32x4.add  local.tee $muladd_v.114  local.get $const_v.81  f32x4.sub
                  local.tee $sub_v.115  local.get $const_v.84  f32x4.mul  local.get $sub_v.115  local.get $const_v.85
                  f32x4.mul  local.get $select_v.113  f32x4.add  f32x4.add  local.tee $muladd_v.116  f32x4.mul
                  local.get $const_v.87  f32x4.add  local.get $muladd_v.116  f32x4.mul  local.get $const_v.88  f32x4.add
                  local.get $muladd_v.116  f32x4.mul  local.get $const_v.89  f32x4.add  local.get $muladd_v.116
                  f32x4.mul  local.get $const_v.90  f32x4.add  local.get $muladd_v.116  f32x4.mul  local.get $const_v.91
                  f32x4.add  local.get $muladd_v.116  local.get $muladd_v.116  f32x4.mul  f32x4.mul
                  local.get $muladd_v.116  f32x4.add  local.get $const_v.92  f32x4.add  local.get $muladd_v.114
                  local.get $const_v.93  i32x4.sub  local.tee $sub_v.117  i32.const 1  i32x4.shr_s  local.tee $shr_v.118
                  local.get $const_v.96  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul  local.get $sub_v.117
                  local.get $shr_v.118  i32x4.sub  local.get $const_v.96  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul
                  local.set $value.109
              local.get $add.97  local.get $c.68  i32.const 2  i32.shl  i32.add  local.get $value.109
                  v128.store offset=32 align=4
              local.get $s_2  local.get $value.109  f32x4.add  local.set $s_2
              local.get $const_v  local.get $add.72  v128.load offset=48 align=4  local.tee $t0v_v.120  local.get $ref_v
                  f32x4.sub  local.tee $sub_v.121  local.get $const_v.76  f32x4.pmax  local.tee $select_v.122
                  local.get $const_v.78  f32x4.pmin  local.tee $select_v.123  local.get $const_v.80  f32x4.mul
                  local.get $const_v.81  f32x4.add  local.tee $muladd_v.124  local.get $const_v.81  f32x4.sub
                  local.tee $sub_v.125  local.get $const_v.84  f32x4.mul  local.get $sub_v.125  local.get $const_v.85
                  f32x4.mul  local.get $select_v.123  f32x4.add  f32x4.add  local.tee $muladd_v.126  f32x4.mul
                  local.get $const_v.87  f32x4.add  local.get $muladd_v.126  f32x4.mul  local.get $const_v.88  f32x4.add
                  local.get $muladd_v.126  f32x4.mul  local.get $const_v.89  f32x4.add  local.get $muladd_v.126
                  f32x4.mul  local.get $const_v.90  f32x4.add  local.get $muladd_v.126  f32x4.mul  local.get $const_v.91
                  f32x4.add  local.get $muladd_v.126  local.get $muladd_v.126  f32x4.mul  f32x4.mul
                  local.get $muladd_v.126  f32x4.add  local.get $const_v.92  f32x4.add  local.get $muladd_v.124
                  local.get $const_v.93  i32x4.sub  local.tee $sub_v.127  i32.const 1  i32x4.shr_s  local.tee $shr_v.128
                  local.get $const_v.96  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul  local.get $sub_v.127
                  local.get $shr_v.128  i32x4.sub  local.get $const_v.96  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul
                  local.set $value.119
              local.get $add.97  local.get $c.68  i32.const 2  i32.shl  i32.add  local.get $value.119
                  v128.store offset=48 align=4
              local.get $s_3  local.get $value.119  f32x4.add  local.set $s_3
              local.get $c.68  i32.const 16  i32.add  local.tee $c.68  local.get $sixteens.66  i32.lt_s  br_if $loop16
            end
          end
          local.get $sixteens.66  local.get $fours.67  i32.lt_s  if $if17
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.131
            local.get $m.52  f32x4.splat  local.set $ref_v.134
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.144
            local.get $sixteens.66  local.set $c.129
            loop $loop18
              local.get $const_v  local.get $add.131  local.get $c.129  i32.const 2  i32.shl  i32.add
                  local.tee $add.132  v128.load align=4  local.tee $t0v_v.133  local.get $ref_v.134  f32x4.sub
                  local.tee $sub_v.135  local.get $const_v.76  f32x4.pmax  local.tee $select_v.136
                  local.get $const_v.78  f32x4.pmin  local.tee $select_v.137  local.get $const_v.80  f32x4.mul
                  local.get $const_v.81  f32x4.add  local.tee $muladd_v.138  local.get $const_v.81  f32x4.sub
                  local.tee $sub_v.139  local.get $const_v.84  f32x4.mul  local.get $sub_v.139  local.get $const_v.85
                  f32x4.mul  local.get $select_v.137  f32x4.add  f32x4.add  local.tee $muladd_v.140  f32x4.mul
                  local.get $const_v.87  f32x4.add  local.get $muladd_v.140  f32x4.mul  local.get $const_v.88  f32x4.add
                  local.get $muladd_v.140  f32x4.mul  local.get $const_v.89  f32x4.add  local.get $muladd_v.140
                  f32x4.mul  local.get $const_v.90  f32x4.add  local.get $muladd_v.140  f32x4.mul  local.get $const_v.91
                  f32x4.add  local.get $muladd_v.140  local.get $muladd_v.140  f32x4.mul  f32x4.mul
                  local.get $muladd_v.140  f32x4.add  local.get $const_v.92  f32x4.add  local.get $muladd_v.138
                  local.get $const_v.93  i32x4.sub  local.tee $sub_v.141  i32.const 1  i32x4.shr_s  local.tee $shr_v.142
                  local.get $const_v.96  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul  local.get $sub_v.141
                  local.get $shr_v.142  i32x4.sub  local.get $const_v.96  i32x4.add  i32.const 23  i32x4.shl  f32x4.mul
                  local.tee $mul_v  local.set $value.130
              local.get $add.144  local.get $c.129  i32.const 2  i32.shl  i32.add  local.get $value.130
                  v128.store align=4
              local.get $s_0  local.get $value.130  f32x4.add  local.set $s_0
              local.get $c.129  i32.const 4  i32.add  local.tee $c.129  local.get $fours.67  i32.lt_s  br_if $loop18
            end
          end
          local.get $fours.67  local.get $s1  i32.lt_s  if $if19
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.147
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.167
            local.get $fours.67  local.set $c.145
            loop $loop20
              f32.const 0.00019875691214110702  f32.const 89  f32.const -176  local.get $add.147  local.get $c.145
                  i32.const 2  i32.shl  i32.add  local.tee $add.148  f32.load  local.tee $t0v.149  local.get $m.52
                  f32.sub  local.tee $sub  f32.gt  if $if21 (result f32)
                f32.const -176
              else
                local.get $sub
              end  local.tee $select  f32.lt  if $if22 (result f32)
                f32.const 89
              else
                local.get $select
              end  local.tee $select.152  f32.const 1.4426950216293335  f32.const 12582912  local.set $c.153  f32.mul
                  local.get $c.153  f32.add  local.tee $muladd  f32.const 12582912  f32.sub  local.tee $sub.155
                  f32.const 0.00021219444170128554  local.get $sub.155  f32.const -0.693359375  local.get $select.152
                  local.set $c.156  f32.mul  local.get $c.156  f32.add  local.set $c.157  f32.mul  local.get $c.157
                  f32.add  local.tee $muladd.158  f32.const 0.001398199936375022  local.set $c.159  f32.mul
                  local.get $c.159  f32.add  local.get $muladd.158  f32.const 0.008333452045917511  local.set $c.160
                  f32.mul  local.get $c.160  f32.add  local.get $muladd.158  f32.const 0.04166579619050026
                  local.set $c.161  f32.mul  local.get $c.161  f32.add  local.get $muladd.158
                  f32.const 0.1666666567325592  local.set $c.162  f32.mul  local.get $c.162  f32.add
                  local.get $muladd.158  f32.const 0.5  local.set $c.163  f32.mul  local.get $c.163  f32.add
                  local.get $muladd.158  local.get $muladd.158  f32.mul  local.get $muladd.158  local.set $c.164
                  f32.mul  local.get $c.164  f32.add  f32.const 1  f32.add  local.get $muladd  i32.reinterpret_f32
                  i32.const 1262485504  i32.sub  local.tee $sub.165  i32.const 1  i32.shr_s  local.tee $shr
                  i32.const 127  i32.add  i32.const 23  i32.shl  f32.reinterpret_i32  f32.mul  local.get $sub.165
                  local.get $shr  i32.sub  i32.const 127  i32.add  i32.const 23  i32.shl  f32.reinterpret_i32  f32.mul
                  local.set $mul.146
              local.get $add.167  local.get $c.145  i32.const 2  i32.shl  i32.add  local.get $mul.146  f32.store
              local.get $s_tail  local.get $mul.146  f32.add  local.set $s_tail
              local.get $c.145  i32.const 1  i32.add  local.tee $c.145  local.get $s1  i32.lt_s  br_if $loop20
            end
          end
          local.get $s_0  local.get $s_1  f32x4.add  local.get $s_2  local.get $s_3  f32x4.add  f32x4.add  local.set $s
          local.get $s  f32x4.extract_lane 0  local.get $s  f32x4.extract_lane 1  f32.add  local.get $s
              f32x4.extract_lane 2  local.get $s  f32x4.extract_lane 3  f32.add  f32.add  local.get $s_tail  f32.add
              local.set $s.169
          local.get $mul.28  local.set $vectors
          i32.const 0  local.get $vectors  i32.lt_s  if $if23
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  local.tee $mul.173  i32.add
                local.set $add.172
            local.get $s.169  f32x4.splat  local.set $ref_v.176
            i32.const 0  local.set $c.171
            loop $loop24
              local.get $add.172  local.get $c.171  i32.const 2  i32.shl  local.tee $mul.174  i32.add
                  local.tee $add.175  local.get $add.175  v128.load align=4  local.get $ref_v.176  f32x4.div
                  v128.store align=4
              local.get $c.171  i32.const 4  i32.add  local.tee $c.171  local.get $vectors  i32.lt_s  br_if $loop24
            end
          end
          local.get $vectors  local.get $s1  i32.lt_s  if $if25
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  local.tee $mul.179  i32.add
                local.set $add.178
            local.get $vectors  local.set $c.177
            loop $loop26
              local.get $add.178  local.get $c.177  i32.const 2  i32.shl  local.tee $mul.180  i32.add
                  local.tee $add.181  local.get $add.181  f32.load  local.get $s.169  f32.div  local.tee $div  f32.store
              local.get $c.177  i32.const 1  i32.add  local.tee $c.177  local.get $s1  i32.lt_s  br_if $loop26
            end
          end
          local.get $r.18  i32.const 1  i32.add  local.tee $r.18  local.get $to  i32.lt_s  br_if $loop8
        end
      end
      local.get $unit  i32.const 1  i32.add  local.tee $unit  local.get $end  i32.lt_s  br_if $loop2
    end
  end
)
